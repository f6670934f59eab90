// Hermes has no `Symbol.asyncIterator`, so the client would have no iterator under a name that `for await`,
// as Babel compiles it, looks for. It has to be there before the class of the client is made.
if (Symbol.asyncIterator === undefined)
  Object.defineProperty(Symbol, 'asyncIterator', { value: Symbol.for('Symbol.asyncIterator') })
