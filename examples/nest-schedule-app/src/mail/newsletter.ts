/** What a job of the queue `mail` carries. */
export interface Newsletter {
  readonly to: string;
}
