// Runs before each test file. The files of a package share a process, but each loads its modules anew, so
// that no file sees the module state of another, such as how many warnings were shown.
import { vi } from 'vitest'

vi.resetModules()
