/** Material and Zensical: emits the document after each instant navigation, and replays the last. */
interface DocumentStream {
  subscribe(next: () => void): { unsubscribe(): void };
}

interface Window {
  document$?: DocumentStream;
}

/** What a message says of a page load (`docs/wire.md`), kept from its first look to its last. */
interface Page {
  /** Id; false for a page that has no view, no heartbeats and no leave. */
  l: string | false;
  /** Path; `404` on the page for missing ones, empty for one that is not to be counted. */
  p: string;
  /** Milliseconds visible. */
  v: number;
  /** Milliseconds active. */
  a: number;
  /** Greatest depth in percent. */
  d?: number;
  /** Milliseconds visible of each heading's section. */
  h?: Record<string, number>;
}

interface Send {
  (t: 'view' | 'beat' | 'leave' | 'event', details?: object): Promise<void>;
  /** Called at each look at a visible page, with the milliseconds since the last. */
  x?: (page: Page, passed: number) => void;
}

interface Navigator {
  readonly globalPrivacyControl?: boolean;
}

interface Document {
  /** Set while the tracker runs. */
  'mkdocs-stats'?: Send;
  /** Set while the script of the stats page runs, to its stop. */
  'mkdocs-stats-page'?: () => void;
}
