// Types of embed.js: pages of a Xinqiao gateway in a partner's own page.

export as namespace xinqiao;

/** What happens on the pages. Only the page whose origin the launch names is told. */
export type Event =
  | { source: "xinqiao"; event: "ready" }
  /** The message is accepted: `position` is where it stands in the gateway's journal. */
  | { source: "xinqiao"; event: "done"; flow: string; case: string; messageId: string; position: string }
  /** What a relationship manager entered waits for the customer. */
  | { source: "xinqiao"; event: "awaiting_confirmation"; flow: string; case: string }
  /** It was refused, and the page says why; or it is under way, and the page offers to ask again. */
  | { source: "xinqiao"; event: "refused" | "busy"; flow: string; case: string }
  /** Left alone for too long: launch again. Or anything else; `reason` is one of the error table. */
  | { source: "xinqiao"; event: "expired" | "error"; reason: string };

export interface Options {
  /** Told of everything that happens, in order. */
  on?: (event: Event) => void;
  /** What the frame is called for people who cannot see it. */
  title?: string;
  /** Bounds of its height, in pixels. By default 320 and 8000. */
  leastHeight?: number;
  mostHeight?: number;
}

export interface Embedded {
  readonly frame: HTMLIFrameElement;
  /** Takes the frame away and listens no more. */
  close(): void;
}

/** Opens a launch in a container. A launch opens once: ask your own server for a new one each time. */
export function embed(container: HTMLElement, launchUrl: string, options?: Options): Embedded;
