/** Values that no option takes whose value is a whole number from 1, each with how an error shows it. */
export const NOT_A_COUNT: readonly (readonly [unknown, string])[] = [
  [-1, '-1'],
  [1.5, '1.5'],
  [Number.NaN, 'NaN'],
  [Number.POSITIVE_INFINITY, 'Infinity'],
  [Number.NEGATIVE_INFINITY, '-Infinity'],
  ['100', '"100"'],
  [100n, '100n'],
  [true, 'true'],
  [null, 'null'],
  [[100], 'an array of 1'],
  [new Number(100), 'an instance of Number'],
]
