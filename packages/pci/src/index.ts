/** PCI configuration space: functions, BARs, capabilities, INTx, host bridge and the configuration ports. @module */
export {};
