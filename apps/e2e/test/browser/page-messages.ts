/** What the page is to do, from the server. */
export interface PageTask {
  /** The kernel's command line. */
  readonly cmdline: string;
}

/** What came of it. */
export type PageResult = PageSuccess | { readonly error: string };

/** What the guest said, and what the page saw. */
interface PageSuccess {
  /** What `ping` wrote. */
  readonly ping: string;
  /** Sum of the file that the guest fetched. */
  readonly md5: string;
  /** Echo requests that the page answered. */
  readonly pingsAnswered: number;
  /** What the card counted. */
  readonly frames: { readonly sent: number; readonly received: number };
  /** What the card logged. */
  readonly complaints: readonly string[];
}
