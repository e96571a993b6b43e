/** Instants and durations for people. */

/** `2026-01-27 10:30:45` of RFC 3339 in UTC. */
export function dayAndTime(instant: string): string {
  return instant.slice(0, 19).replace('T', ' ');
}

/** `250ms`, `12.3s`, `2m03s`, `1h02m`, `3d04h`. */
export function durationText(seconds: number): string {
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)}ms`;
  if (seconds < 59.95) return `${seconds.toFixed(1)}s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)}m${two(whole % 60)}s`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)}h${two(Math.floor((whole % 3600) / 60))}m`;
  return `${Math.floor(whole / 86_400)}d${two(Math.floor((whole % 86_400) / 3600))}h`;
}

function two(number: number): string {
  return String(number).padStart(2, '0');
}
