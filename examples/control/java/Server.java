// Jobs that stream their lines, and where the control interface is mounted.
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executors;

final class Server {
    public static void main(String[] words) throws IOException {
        Map<String, String> env = System.getenv();
        HttpServer server = HttpServer.create(
            new InetSocketAddress("127.0.0.1", Integer.parseInt(env.getOrDefault("PORT", "4303"))), 1024);
        server.setExecutor(Executors.newCachedThreadPool());
        double scale = Double.parseDouble(env.getOrDefault("TIME_SCALE", "1"));
        String path = env.getOrDefault("CONTROL", "");
        Control scripts =
            path.isEmpty() ? null : new Control(server, path, "jobs", scale, Set.of("done", "failed"));
        server.createContext("/jobs", exchange -> start(exchange, scripts));
        server.createContext("/", exchange -> Control.answer(exchange, 404, "{\"error\":\"not found\"}"));
        server.start();
    }

    private static void start(HttpExchange exchange, Control scripts) throws IOException {
        int lines;
        try {
            String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
            lines = Integer.parseInt(new Control.Json(body).members().getOrDefault("lines", "3"));
        } catch (IllegalArgumentException | IndexOutOfBoundsException malformed) {
            Control.answer(exchange, 400, "{\"error\":\"not a job\"}");
            return;
        }
        Control.Script script = scripts == null ? null : scripts.of(exchange);
        if (script == Control.UNKNOWN) {
            Control.answer(exchange, 400, "{\"error\":\"unknown script\"}");
            return;
        }
        exchange.getResponseHeaders().set("Content-Type", "application/x-ndjson");
        exchange.getResponseHeaders().set("Cache-Control", "no-store");
        exchange.getResponseHeaders().set("X-Accel-Buffering", "no");
        exchange.sendResponseHeaders(200, 0);
        try (OutputStream out = exchange.getResponseBody()) {
            Control.Emit emit = event -> {
                out.write((event + "\n").getBytes(StandardCharsets.ISO_8859_1));
                out.flush();
            };
            if (script != null) {
                scripts.perform(script, emit);
            } else {
                for (int number = 1; number <= lines; number++) {
                    emit.event("{\"type\":\"line\",\"text\":\"line " + number + "\"}");
                }
            }
            boolean failed = script != null && script.outcome().equals("fails");
            emit.event("{\"type\":\"" + (failed ? "failed" : "done") + "\"}");
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        }
    }
}
