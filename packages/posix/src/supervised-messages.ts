/** From the supervisor to its process. */
export type FromParent =
  | { readonly kind: "start"; readonly data: unknown }
  | { readonly kind: "ask"; readonly id: number; readonly request: unknown }
  | { readonly kind: "close" };

/** And back. */
export type FromChild =
  | { readonly kind: "ready" }
  | { readonly kind: "failed"; readonly error: string }
  | { readonly kind: "log"; readonly line: string }
  | { readonly kind: "answer"; readonly id: number; readonly value?: unknown; readonly error?: string };
