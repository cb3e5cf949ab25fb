/** One test suite that every backend passes. @module */
export {};
