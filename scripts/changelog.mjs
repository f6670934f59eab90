// Formats the changelogs that `changeset version` writes. They contain only the summaries of changesets:
// since all packages share one version, a list of updated dependencies would be the same in every release.

/** @param {{ readonly summary: string }} changeset */
export async function getReleaseLine({ summary }) {
  const [first, ...rest] = summary.trim().split('\n')
  return [`- ${first}`, ...rest.map(line => (line.trim() === '' ? '' : `  ${line}`))].join('\n')
}

export async function getDependencyReleaseLine() {
  return ''
}
