/** What a link to a heading says after its `#`: the same on a code host, which reads the Markdown, and on the site. */
export function anchor_of(/** @type {string} */ heading) {
  return heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
    .replaceAll(' ', '-')
}
