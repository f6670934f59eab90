// @boundaries-ignore the test settings are one file for all packages
import { package_config } from '../../vitest.shared.ts'

export default package_config
