import { mergeConfig } from 'vitest/config'
// @boundaries-ignore the test settings are one file for all packages
import { package_config } from '../../vitest.shared.ts'
import { CaseCount } from './case_count.ts'

export default mergeConfig(package_config, { test: { reporters: [new CaseCount()], maxWorkers: 2 } })
