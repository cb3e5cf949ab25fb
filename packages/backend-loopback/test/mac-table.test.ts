import { expect, test } from "vitest";
import { MacTable } from "../src/mac-table.ts";

/** The address 02:00:nn:nn:nn:nn as two numbers. */
const high = 0x0200;

test("a station is found where it was heard last", () => {
  const table = new MacTable(64, 1000);
  expect(table.lookup(high, 1)).toBe(-1);
  table.learn(high, 1, 0);
  expect(table.lookup(high, 1)).toBe(0);
  table.learn(high, 1, 5);
  expect(table.lookup(high, 1)).toBe(5);
  expect([table.held(0), table.held(5)]).toEqual([0, 1]);
});

test("all six bytes of an address count", () => {
  const table = new MacTable(64, 1000);
  table.learn(0x0200, -1, 1);
  table.learn(0x0600, -1, 2);
  expect(table.lookup(0x0200, -1)).toBe(1);
  expect(table.lookup(0x0600, -1)).toBe(2);
  expect(table.lookup(0x0200, 0x7fff_ffff)).toBe(-1);
  expect(table.lookup(0, 0)).toBe(-1);
});

test("a station is forgotten after so many frames from others", () => {
  const table = new MacTable(64, 10);
  table.learn(high, 1, 0);
  for (let i = 0; i < 10; i++) table.learn(high, 2, 1);
  expect(table.lookup(high, 1)).toBe(0);
  table.learn(high, 2, 1);
  expect(table.lookup(high, 1)).toBe(-1);
  expect(table.lookup(high, 2)).toBe(1);
});

test("a port that goes takes its stations along", () => {
  const table = new MacTable(64, 1000);
  table.learn(high, 1, 0);
  table.learn(high, 2, 1);
  table.forget(0);
  expect(table.lookup(high, 1)).toBe(-1);
  expect(table.lookup(high, 2)).toBe(1);
  expect(table.held(0)).toBe(0);
});

test("a port that invents addresses pushes out its own, not those of others", () => {
  const table = new MacTable(64, 1_000_000, 1);
  for (let port = 0; port < 8; port++) table.learn(high, port, port);
  for (let i = 0; i < 10_000; i++) table.learn(0x0a00, i, 9);
  for (let port = 0; port < 8; port++) expect(table.lookup(high, port)).toBe(port);
  expect(table.held(9)).toBeLessThanOrEqual(56);
});

test("a port with few stations finds a place in a table that another port has filled", () => {
  const table = new MacTable(64, 1_000_000, 1);
  for (let i = 0; i < 10_000; i++) table.learn(0x0a00, i, 9);
  for (let i = 0; i < 8; i++) {
    table.learn(high, i, 1);
    expect(table.lookup(high, i)).toBe(1);
  }
});

test("entries too old give way first", () => {
  const table = new MacTable(4, 5, 1);
  for (let i = 0; i < 4; i++) table.learn(high, i, i);
  for (let i = 0; i < 6; i++) table.learn(high, 0, 0);
  table.learn(high, 77, 7);
  expect(table.lookup(high, 77)).toBe(7);
  expect(table.lookup(high, 0)).toBe(0);
});
