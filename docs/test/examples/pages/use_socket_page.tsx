// Shows useSocket in StrictMode. It connects to `?url=…`, and buttons change which components are mounted.
import { StrictMode, useState } from 'react'
import { createRoot } from 'react-dom/client'
import { useSocket } from '../../../examples/use_socket.tsx'

function Panel({ id, url }: { readonly id: string; readonly url: string }): React.ReactNode {
  const [received, set_received] = useState<readonly string[]>([])
  const { status, send } = useSocket(url, data => {
    set_received(before => [...before, `${url.at(-1)}:${data}`])
    if (data === 'throw') throw new Error('thrown by a handler')
  })
  const [sent_count, set_sent_count] = useState(0)
  return (
    <section id={id}>
      <output className="status">{status.name}</output>
      <output className="code">{status.name === 'closed' ? status.info.code : ''}</output>
      <output className="received">{received.join(' ')}</output>
      <output className="sent-count">{sent_count}</output>
      <button
        type="button"
        className="send"
        onClick={() => set_sent_count(sent_count + (send(`from ${id}`) === true ? 1 : 0))}
      />
    </section>
  )
}

function Page(): React.ReactNode {
  const [url, set_url] = useState(new URLSearchParams(location.search).get('url') ?? '')
  const [panels, set_panels] = useState<readonly string[]>(['first'])
  return (
    <>
      <input id="url" value={url} onChange={event => set_url(event.target.value)} />
      <button type="button" id="none" onClick={() => set_panels([])} />
      <button type="button" id="two" onClick={() => set_panels(['first', 'second'])} />
      {panels.map(id => (
        <Panel key={id} id={id} url={url} />
      ))}
    </>
  )
}

const root = document.querySelector('#root')
if (root !== null)
  createRoot(root).render(
    <StrictMode>
      <Page />
    </StrictMode>,
  )
