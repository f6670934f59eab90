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

/** The first name from that number on that is not taken: `Otter`, and when all are taken `Otter 2`. */
export function free_name(taken: ReadonlySet<string>, first = 0): string {
  const from = first % NAMES.length
  for (let round = 1; ; round += 1) {
    for (const name of [...NAMES.slice(from), ...NAMES.slice(0, from)]) {
      const numbered = round === 1 ? name : `${name} ${round}`
      if (!taken.has(numbered)) return numbered
    }
  }
}
