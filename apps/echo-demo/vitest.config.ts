import { package_config } from '@bt/test-support/vitest'

export default package_config
