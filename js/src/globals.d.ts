/** Material and Zensical: emits the document after each instant navigation, and replays the last. */
interface DocumentStream {
  subscribe(next: () => void): { unsubscribe(): void };
}

interface Window {
  document$?: DocumentStream;
}

interface Document {
  /** Chromium: the page is being rendered before anyone asked for it. */
  readonly prerendering?: boolean;
  /** Set while the tracker runs; in source and test builds to its stop. */
  'mkdocs-stats'?: 1 | (() => void);
  /** Set while the script of the stats page runs, to its stop. */
  'mkdocs-stats-page'?: () => void;
}
