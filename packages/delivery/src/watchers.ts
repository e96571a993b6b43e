/** Those who wait for something to become true that changes now and then. */
export class Watchers {
  readonly #checks = new Set<() => void>();

  /** Something changed. */
  tell(): void {
    for (const check of [...this.#checks]) check();
  }

  /**
   * Resolves once `isOver` holds after a change, and after `timeoutMs` at the latest. Keeps the process alive: while
   * somebody waits it must not end.
   */
  async until(isOver: () => boolean, timeoutMs: number): Promise<void> {
    const checks = this.#checks;
    await new Promise<void>((resolve) => {
      const deadline = setTimeout(finish, timeoutMs);
      function check(): void {
        if (isOver()) finish();
      }
      function finish(): void {
        clearTimeout(deadline);
        checks.delete(check);
        resolve();
      }
      checks.add(check);
    });
  }
}
