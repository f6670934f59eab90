import { ClientSide } from './client_side.ts'
import { define_frame_tests } from './frame_tests.ts'

define_frame_tests('client', new ClientSide())
