import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A WebSocket client on java.net.http. Commands are JSON lines on stdin, events are JSON lines on stdout, as
 * in commands.mjs. Their values contain no escapes, so regular expressions suffice to parse them.
 */
public final class JavaClient {
  private static final HttpClient HTTP = HttpClient.newHttpClient();
  private static final PrintStream OUT = new PrintStream(System.out, true);
  private static WebSocket socket;

  public static void main(String[] args) throws Exception {
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) runCommand(line);
    System.exit(0);
  }

  private static void runCommand(String line) {
    switch (field(line, "command")) {
      case "connect" -> connect(field(line, "url"), list(line, "protocols"));
      case "text" -> socket.sendText(decodeText(field(line, "data")), true).join();
      case "binary" -> socket.sendBinary(ByteBuffer.wrap(decode(field(line, "data"))), true).join();
      case "fragments" -> sendFragments(list(line, "parts"));
      case "ping" -> socket.sendPing(ByteBuffer.allocate(0)).join();
      case "close" -> close(Integer.parseInt(field(line, "code")), decodeText(field(line, "reason")));
      default -> throw new IllegalArgumentException(line);
    }
  }

  private static void connect(String url, List<String> protocols) {
    WebSocket.Builder builder = HTTP.newWebSocketBuilder();
    if (!protocols.isEmpty()) {
      String[] others = protocols.subList(1, protocols.size()).toArray(new String[0]);
      builder.subprotocols(protocols.get(0), others);
    }
    try {
      socket = builder.buildAsync(URI.create(url), new Reporter()).join();
    } catch (CompletionException error) {
      report("refused", "\"error\":\"" + error.getCause().getClass().getSimpleName() + "\"");
    }
  }

  private static void sendFragments(List<String> parts) {
    int last = parts.size() - 1;
    for (int i = 0; i <= last; i++) socket.sendText(decodeText(parts.get(i)), i == last).join();
  }

  private static void close(int code, String reason) {
    socket.sendClose(code, reason).join();
  }

  /** Reports the events of a socket. Messages arrive in parts, which it joins. */
  private static final class Reporter implements WebSocket.Listener {
    private final StringBuilder text = new StringBuilder();
    private final java.io.ByteArrayOutputStream binary = new java.io.ByteArrayOutputStream();

    @Override
    public void onOpen(WebSocket opened) {
      report("open", "\"protocol\":\"" + opened.getSubprotocol() + "\"");
      opened.request(1);
    }

    @Override
    public CompletionStage<?> onText(WebSocket from, CharSequence part, boolean isLast) {
      text.append(part);
      if (isLast) {
        report("text", "\"data\":\"" + encode(text.toString().getBytes(StandardCharsets.UTF_8)) + "\"");
        text.setLength(0);
      }
      from.request(1);
      return null;
    }

    @Override
    public CompletionStage<?> onBinary(WebSocket from, ByteBuffer part, boolean isLast) {
      byte[] bytes = new byte[part.remaining()];
      part.get(bytes);
      binary.writeBytes(bytes);
      if (isLast) {
        report("binary", "\"data\":\"" + encode(binary.toByteArray()) + "\"");
        binary.reset();
      }
      from.request(1);
      return null;
    }

    @Override
    public CompletionStage<?> onClose(WebSocket from, int code, String reason) {
      reportClose(code, reason);
      return null;
    }

    @Override
    public void onError(WebSocket from, Throwable error) {
      reportClose(1006, "");
    }
  }

  private static void reportClose(int code, String reason) {
    String encoded = encode(reason.getBytes(StandardCharsets.UTF_8));
    report("close", "\"code\":" + code + ",\"reason\":\"" + encoded + "\"");
  }

  private static synchronized void report(String event, String details) {
    OUT.println("{\"event\":\"" + event + "\"," + details + "}");
  }

  private static String field(String line, String name) {
    Matcher found = Pattern.compile("\"" + name + "\":\"?([^\",}]*)").matcher(line);
    if (!found.find()) throw new IllegalArgumentException(name + " is missing in " + line);
    return found.group(1);
  }

  private static List<String> list(String line, String name) {
    Matcher found = Pattern.compile("\"" + name + "\":\\[([^\\]]*)\\]").matcher(line);
    if (!found.find()) throw new IllegalArgumentException(name + " is missing in " + line);
    String items = found.group(1).replace("\"", "");
    return items.isEmpty() ? List.of() : Arrays.asList(items.split(","));
  }

  private static byte[] decode(String data) {
    return Base64.getDecoder().decode(data);
  }

  private static String decodeText(String data) {
    return new String(decode(data), StandardCharsets.UTF_8);
  }

  private static String encode(byte[] data) {
    return Base64.getEncoder().encodeToString(data);
  }
}
