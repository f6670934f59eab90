import { user_config } from '@bt/test-support/vitest'

export default user_config
