/*
 * What checks a state from outside, field by field. Each names the field in its error, and answers the value with its
 * type: what was checked is what is used.
 */

/** An object, its fields not known yet. @throws TypeError */
export function stateRecord(name: string, value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new TypeError(`"${name}" expected an object, got ${Array.isArray(value) ? "an array" : String(value)}`);
  }
  return value as Record<string, unknown>;
}

/** An array of `min` to `max` elements: a copy, in which holes are elements, too. @throws TypeError, RangeError */
export function stateList(name: string, value: unknown, min: number, max: number = min): readonly unknown[] {
  if (!Array.isArray(value)) throw new TypeError(`"${name}" expected an array, got ${typeof value}`);
  stateInteger(`${name}.length`, value.length, min, max);
  return Array.from<unknown>(value);
}

/** An integer from `min` to `max`. @throws RangeError */
export function stateInteger(name: string, value: unknown, min: number, max: number): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < min || value > max) {
    throw new RangeError(`"${name}" expected ${min} to ${max}, got ${String(value)}`);
  }
  return value;
}

/** An array of `min` to `max` integers from 0 to `most`: a copy. @throws TypeError, RangeError */
export function stateIntegers(name: string, value: unknown, min: number, max: number, most: number): number[] {
  return stateList(name, value, min, max).map((one, index) => stateInteger(`${name}[${index}]`, one, 0, most));
}

/** True or false. @throws TypeError */
export function stateFlag(name: string, value: unknown): boolean {
  if (typeof value !== "boolean") throw new TypeError(`"${name}" expected true or false, got ${String(value)}`);
  return value;
}
