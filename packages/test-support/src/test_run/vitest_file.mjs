// Runs before each file of tests. A package's files share a process, but each loads what it tests anew: no file sees what is left of another in
// a module, such as how many warnings were shown.
import { vi } from 'vitest'

vi.resetModules()
