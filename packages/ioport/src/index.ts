/** I/O port ranges and the handlers behind them. @module */
export {};
