#!/usr/bin/env node
// Runs the sources as they are, from any folder and through any link to this file.
import { register } from "tsx/esm/api";

register();
await import("../src/cli.ts");
