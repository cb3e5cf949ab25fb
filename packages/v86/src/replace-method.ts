/**
 * Puts `replacement` in the place of a method of one object; other objects of its class keep theirs. The
 * replacement calls the original itself.
 * @returns puts the original back. Where somebody has put yet another function over ours it does nothing: that
 * function still calls ours, which must therefore go on calling the original.
 */
export function replaceMethod<T extends object, K extends keyof T>(target: T, name: K, replacement: T[K]): () => void {
  const own = Object.hasOwn(target, name);
  const original = target[name];
  target[name] = replacement;
  return () => {
    if (target[name] !== replacement) return;
    if (own) target[name] = original;
    else delete target[name];
  };
}
