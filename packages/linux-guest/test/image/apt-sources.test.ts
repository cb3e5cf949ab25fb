import { expect, test } from "vitest";
import {
  type AptSource,
  debianSources,
  parseDeb822Sources,
  parseOneLineSources,
  renderDeb822,
  withRelease,
} from "../../src/image/apt-sources.ts";

const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

function source(part: Partial<AptSource>): AptSource {
  return { uris: ["http://mirror/debian"], suites: ["bookworm"], components: ["main"], options: new Map(), ...part };
}

test("one-line style: packages are read, sources, comments, discs and flat folders are not", () => {
  const text = `# deb http://commented/debian bookworm main
deb http://deb.debian.org/debian bookworm main contrib # behind
deb-src http://deb.debian.org/debian bookworm main
deb [arch=amd64 signed-by=${KEYRING}]   https://mirror/debian-security bookworm-security main
deb cdrom:[Debian]/ bookworm main
deb http://somebody/flat ./
`;
  expect(parseOneLineSources(text)).toEqual([
    source({ uris: ["http://deb.debian.org/debian"], components: ["main", "contrib"] }),
    source({
      uris: ["https://mirror/debian-security"],
      suites: ["bookworm-security"],
      options: new Map([["signed-by", KEYRING]]),
    }),
  ]);
});

test("deb822 style: several words a field, comments, more than one paragraph, what is not enabled", () => {
  const text = `Types: deb deb-src
# a comment between fields
URIs: http://deb.debian.org/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: ${KEYRING}

Types: deb-src
URIs: http://deb.debian.org/debian
Suites: bookworm
Components: main

Enabled: no
Types: deb
URIs: http://off/debian
Suites: bookworm
Components: main
`;
  expect(parseDeb822Sources(text)).toEqual([
    source({
      uris: ["http://deb.debian.org/debian"],
      suites: ["bookworm", "bookworm-updates"],
      options: new Map([["signed-by", KEYRING]]),
    }),
  ]);
});

test("deb822 style: a key in the file itself stays as it is", () => {
  const key = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQENBF\n -----END PGP PUBLIC KEY BLOCK-----";
  const text = `Types: deb\nURIs: http://m/debian\nSuites: sid\nComponents: main\nSigned-By:\n ${key}\n`;
  const [first] = parseDeb822Sources(text);
  expect(renderDeb822(first === undefined ? [] : [first], "i386")).toContain(`signed-by: ${key}\n`);
});

test("options that let apt take what nobody signed are dropped, in both styles", () => {
  const line = "deb [trusted=yes allow-insecure=yes check-valid-until=no] http://m/debian bookworm main";
  const paragraph =
    "Types: deb\nURIs: http://m/debian\nSuites: bookworm\nComponents: main\nTrusted: yes\nAllow-Weak: yes";
  for (const one of [...parseOneLineSources(line), ...parseDeb822Sources(paragraph)]) {
    expect([...one.options.keys()].filter((name) => name !== "check-valid-until")).toEqual([]);
  }
});

test("Debian's archive is told from others, and where nothing looks like it all are taken", () => {
  const debian = source({ uris: ["http://mirror.example/debian"] });
  const security = source({ uris: ["http://mirror.example/debian-security"] });
  const others = [
    source({ uris: ["https://packages.example/node"], suites: ["nodistro"] }),
    source({ uris: ["https://download.example/linux/debian"], components: ["stable"] }),
  ];
  expect(debianSources([...others, debian, security])).toEqual([debian, security]);
  expect(debianSources(others)).toEqual(others);
});

test("another release is asked for in the same archives", () => {
  const sources = [
    source({ suites: ["trixie", "trixie-updates"] }),
    source({ suites: ["trixie-security"] }),
    source({ suites: ["buster/updates"] }),
    source({ suites: ["trixie", "trixie-backports"] }),
  ];
  expect(withRelease(sources, "bookworm").map(({ suites }) => suites)).toEqual([
    ["bookworm", "bookworm-updates"],
    ["bookworm-security"],
    ["bookworm-security"],
    ["bookworm"],
  ]);
});

test("what is written is read back, for the one architecture", () => {
  const sources = [source({ options: new Map([["signed-by", KEYRING]]) }), source({ suites: ["sid"] })];
  const text = renderDeb822(sources, "i386");
  expect(parseDeb822Sources(text)).toEqual(sources);
  expect(text.match(/^Architectures: i386$/gm)).toHaveLength(2);
});
