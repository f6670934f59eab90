import { package_config } from './src/test_run/package_config.mjs'

export default package_config
