/** What a package may import. */
export interface LayerRule {
  /** Folders below `packages/` that it is about: a name, or a start of names with `*` behind it. */
  readonly folder: string;
  /** Folders below `packages/` that it may import and depend on. */
  readonly may: readonly string[];
  /** Runs in a browser too: no Node API and no npm package at run time. */
  readonly core?: true;
  /** What the user of a core package brings along: peer dependencies, of which sources see the types alone. */
  readonly peers?: readonly string[];
  /** Serves tests and apps alone; no source of another package imports it. */
  readonly dev?: true;
}

const CARD = ["ethif", "ioport", "pci", "virtio", "virtio-net", "vm"];

/**
 * Who may import whom: down only, nothing sideways. The first entry whose name fits counts. A package that no entry
 * names does not pass; it is to be put in its place here first.
 */
const LAYERS: readonly LayerRule[] = [
  { folder: "vm", may: [], core: true },
  { folder: "ioport", may: [], core: true },
  { folder: "ethif", may: [], core: true },
  { folder: "posix", may: [] },
  { folder: "pci", may: ["ioport", "vm"], core: true },
  { folder: "virtio", may: ["ioport", "pci", "vm"], core: true },
  { folder: "virtio-net", may: ["ethif", "ioport", "pci", "virtio", "vm"], core: true },
  { folder: "backend-loopback", may: ["ethif"], core: true },
  { folder: "backend-fault", may: ["ethif"], core: true },
  { folder: "backend-*", may: ["ethif", "posix"] },
  { folder: "v86", may: CARD, core: true, peers: ["v86"] },
  { folder: "vfio-user", may: [...CARD, "posix"] },
  { folder: "vhost-user", may: [...CARD, "posix"] },
  { folder: "ethif-compliance", may: ["ethif"], dev: true },
  { folder: "guest-driver", may: ["ioport", "pci", "virtio", "vm"], dev: true },
  { folder: "linux-guest", may: [...CARD, "backend-loopback", "v86"], dev: true },
  { folder: "peers", may: ["linux-guest"], dev: true },
];

/** A part of a package that may import less than the package: only these folders, and from its own package these paths. */
export interface NarrowRule {
  /** From `packages/`: `virtio/src/queue`. */
  readonly path: string;
  readonly may: readonly string[];
  /** From `packages/`; each is a folder or a file. */
  readonly own: readonly string[];
}

/** Virtqueues know guest memory and the specification's constants, but no device, no transport and no bus. */
export const NARROWER: readonly NarrowRule[] = [
  { path: "virtio/src/queue", may: ["vm"], own: ["virtio/src/queue", "virtio/src/spec.ts"] },
];

/** The rule for a folder below `packages/`, or undefined where the table has no place for it. */
export function ruleFor(folder: string): LayerRule | undefined {
  return LAYERS.find((rule) =>
    rule.folder.endsWith("*") ? folder.startsWith(rule.folder.slice(0, -1)) : folder === rule.folder,
  );
}
