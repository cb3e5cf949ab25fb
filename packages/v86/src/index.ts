/** vmmkit's PCI space and network card inside the v86 emulator, in Node or in a browser. @module */
export {};
