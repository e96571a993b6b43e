const TEXTS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];

/**
 * Short name of an OTel severity number, 1 to 24, as the log data model has it; the four levels within a name are told
 * apart by the number alone. Empty for 0, "unspecified", and whatever is none.
 */
export function severityText(severity: number): string {
  return TEXTS[Math.floor((severity - 1) / 4)] ?? '';
}
