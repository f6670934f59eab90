const NAMES = [
  'Otter',
  'Heron',
  'Lynx',
  'Finch',
  'Badger',
  'Newt',
  'Marten',
  'Plover',
  'Hare',
  'Wren',
  'Seal',
  'Ibex',
  'Stork',
  'Vole',
  'Tern',
  'Bison',
]

/** Returns the first free name from that index on: `Otter`, or `Otter 2` once all are taken. */
export function free_name(taken: ReadonlySet<string>, first = 0): string {
  const from = first % NAMES.length
  for (let round = 1; ; round += 1) {
    for (const name of [...NAMES.slice(from), ...NAMES.slice(0, from)]) {
      const numbered = round === 1 ? name : `${name} ${round}`
      if (!taken.has(numbered)) return numbered
    }
  }
}
