import { user_config } from '@bt/test-support/vitest'
import { mergeConfig } from 'vitest/config'
import { CaseCount } from './case_count.ts'

export default mergeConfig(user_config, { test: { reporters: [new CaseCount()], maxWorkers: 2 } })
