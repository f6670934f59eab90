import { define_frame_tests } from './frame_tests.ts'
import { ServerSide } from './server_side.ts'

define_frame_tests('server', new ServerSide())
