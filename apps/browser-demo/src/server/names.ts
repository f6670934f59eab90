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

/** The first name that is not taken: `Otter`, and when all are taken `Otter 2`. */
export function free_name(taken: ReadonlySet<string>): string {
  for (let round = 1; ; round += 1) {
    for (const name of NAMES) {
      const numbered = round === 1 ? name : `${name} ${round}`
      if (!taken.has(numbered)) return numbered
    }
  }
}
