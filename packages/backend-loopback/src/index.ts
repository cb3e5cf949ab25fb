/** Frames without a network: a loopback, and a learning hub that joins several cards. @module */
export {};
