// mocha's dot reporter, which also writes `passed failed skipped` of the run to the file named by its option `output`.
const { writeFileSync } = require('node:fs');
const { reporters } = require('mocha');

class CountingReporter extends reporters.Dot {
  constructor(runner, options) {
    super(runner, options);
    runner.once('end', () => {
      const { passes, failures, pending } = this.stats;
      writeFileSync(options.reporterOption.output, `${passes} ${failures} ${pending}\n`);
    });
  }
}

module.exports = CountingReporter;
