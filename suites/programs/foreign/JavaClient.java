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

/** A WebSocket client on java.net.http, driven by JSON lines on stdin, which it answers on stdout. Their values need no escapes. */
public final class JavaClient {
  private static final HttpClient HTTP = HttpClient.newHttpClient();
  private static final PrintStream OUT = new PrintStream(System.out, true);
  private static WebSocket socket;

  public static void main(String[] args) throws Exception {
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) obey(line);
    System.exit(0);
  }

  private static void obey(String line) {
    switch (field(line, "do")) {
      case "connect" -> connect(field(line, "url"), list(line, "protocols"));
      case "text" -> socket.sendText(text(field(line, "data")), true).join();
      case "binary" -> socket.sendBinary(ByteBuffer.wrap(bytes(field(line, "data"))), true).join();
      case "fragments" -> sendFragments(list(line, "parts"));
      case "ping" -> socket.sendPing(ByteBuffer.allocate(0)).join();
      case "close" -> socket.sendClose(Integer.parseInt(field(line, "code")), text(field(line, "reason"))).join();
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
      socket = builder.buildAsync(URI.create(url), new Teller()).join();
    } catch (CompletionException error) {
      say("refused", "\"said\":\"" + error.getCause().getClass().getSimpleName() + "\"");
    }
  }

  private static void sendFragments(List<String> parts) {
    int last = parts.size() - 1;
    for (int i = 0; i <= last; i++) socket.sendText(text(parts.get(i)), i == last).join();
  }

  /** Tells what happens. Messages come in parts, and are put together here. */
  private static final class Teller implements WebSocket.Listener {
    private final StringBuilder text = new StringBuilder();
    private final java.io.ByteArrayOutputStream binary = new java.io.ByteArrayOutputStream();

    @Override
    public void onOpen(WebSocket opened) {
      say("open", "\"protocol\":\"" + opened.getSubprotocol() + "\"");
      opened.request(1);
    }

    @Override
    public CompletionStage<?> onText(WebSocket from, CharSequence part, boolean isLast) {
      text.append(part);
      if (isLast) {
        say("text", "\"data\":\"" + packed(text.toString().getBytes(StandardCharsets.UTF_8)) + "\"");
        text.setLength(0);
      }
      from.request(1);
      return null;
    }

    @Override
    public CompletionStage<?> onBinary(WebSocket from, ByteBuffer part, boolean isLast) {
      byte[] taken = new byte[part.remaining()];
      part.get(taken);
      binary.writeBytes(taken);
      if (isLast) {
        say("binary", "\"data\":\"" + packed(binary.toByteArray()) + "\"");
        binary.reset();
      }
      from.request(1);
      return null;
    }

    @Override
    public CompletionStage<?> onClose(WebSocket from, int code, String reason) {
      sayClosed(code, reason);
      return null;
    }

    @Override
    public void onError(WebSocket from, Throwable error) {
      sayClosed(1006, "");
    }
  }

  private static void sayClosed(int code, String reason) {
    say("close", "\"code\":" + code + ",\"reason\":\"" + packed(reason.getBytes(StandardCharsets.UTF_8)) + "\"");
  }

  private static synchronized void say(String event, String more) {
    OUT.println("{\"event\":\"" + event + "\"," + more + "}");
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

  private static byte[] bytes(String packed) {
    return Base64.getDecoder().decode(packed);
  }

  private static String text(String packed) {
    return new String(bytes(packed), StandardCharsets.UTF_8);
  }

  private static String packed(byte[] data) {
    return Base64.getEncoder().encodeToString(data);
  }
}
