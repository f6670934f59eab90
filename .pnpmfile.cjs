// Only one subject of the bench uses bufferutil. As an optional peer of ws, pnpm would give it to every package.
function readPackage(manifest) {
  if (manifest.name === 'ws')
    for (const field of ['peerDependencies', 'peerDependenciesMeta']) delete manifest[field]?.bufferutil
  return manifest
}

module.exports = { hooks: { readPackage } }
