import type { RateLimit } from "./settings.ts";
import { TokenBucket } from "./token-bucket.ts";

/** Two token buckets, of bytes and of frames. What passes takes from both. */
export class RateLimiter {
  #bytes: TokenBucket | null = null;
  #frames: TokenBucket | null = null;

  /** Sets both limits; null lifts one. A bucket that was there before keeps its level. */
  set(bytes: RateLimit | null, frames: RateLimit | null, nowMs: number): void {
    this.#bytes = changed(this.#bytes, bytes, nowMs);
    this.#frames = changed(this.#frames, frames, nowMs);
  }

  /** Milliseconds until so much may pass; 0 where it may now. */
  waitMs(bytes: number, frames: number, nowMs: number): number {
    const forBytes = this.#bytes?.waitMs(bytes, nowMs) ?? 0;
    const forFrames = this.#frames?.waitMs(frames, nowMs) ?? 0;
    return Math.max(forBytes, forFrames);
  }

  /** It passes, after `waitMs` answered 0. */
  take(bytes: number, frames: number): void {
    this.#bytes?.take(bytes);
    this.#frames?.take(frames);
  }
}

function changed(bucket: TokenBucket | null, limit: RateLimit | null, nowMs: number): TokenBucket | null {
  if (limit === null) return null;
  if (bucket === null) return new TokenBucket(limit, nowMs);
  bucket.change(limit, nowMs);
  return bucket;
}
