// What `changeset version` writes into the changelogs: what the changesets say, and nothing else. All packages have the same version, so
// a list of the dependencies that are new would say at each release what everybody knows.

/** @param {{ readonly summary: string }} changeset */
export async function getReleaseLine({ summary }) {
  const [first, ...more] = summary.trim().split('\n')
  return [`- ${first}`, ...more.map(line => (line.trim() === '' ? '' : `  ${line}`))].join('\n')
}

export async function getDependencyReleaseLine() {
  return ''
}
