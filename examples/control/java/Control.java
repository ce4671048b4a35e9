// The control interface of streamvet for the JDK's own HTTP server: copy this file, and mount it in tests alone.
//
//   Control scripts = new Control(server, "/_conformance", "jobs", 0.05, Set.of("done", "failed"));
//   Control.Script script = scripts.of(exchange);   // null: no script, do your own work; UNKNOWN: answer 400
//   scripts.perform(script, emit);                  // each event as its JSON text, on one line
//   script.outcome()                                // "succeeds" or "fails": emit your own ending
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;

final class Control {
    record Step(String emit, double waitMs) {}

    record Script(List<Step> steps, String outcome) {}

    interface Emit {
        void event(String json) throws IOException;
    }

    static final Script UNKNOWN = new Script(List.of(), "");
    private static final Set<String> OUTCOMES = Set.of("\"succeeds\"", "\"fails\"", "\"hangs\"");
    private static final long HANGS_MS = 60_000; // this server does not say that a reader has left

    private final Map<String, Script> known = new ConcurrentHashMap<>();
    private final double scale;

    Control(HttpServer server, String path, String profile, double scale, Set<String> terminal) {
        if (!"allow".equals(System.getenv("STREAMVET_CONTROL"))) {
            throw new IllegalStateException(
                "the control interface lets anybody invent events: set STREAMVET_CONTROL=allow, in tests alone");
        }
        this.scale = scale;
        String described = "{\"control\":1,\"profile\":\"" + profile + "\",\"time_scale\":" + scale
            + ",\"can\":[\"script\",\"reset\"]}";
        server.createContext(path, exchange -> {
            try {
                // Latin-1 keeps each byte as it is, whatever it is a part of.
                String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.ISO_8859_1);
                Map<String, String> asked = new Json(body).members();
                switch (asked.getOrDefault("do", "")) {
                    case "\"describe\"" -> answer(exchange, 200, described);
                    case "\"reset\"" -> {
                        known.clear();
                        answer(exchange, 200, "{}");
                    }
                    case "\"script\"" -> answer(exchange, 201, "{\"script\":\"" + add(asked, terminal) + "\"}");
                    default -> answer(exchange, 400, "{\"error\":\"unknown request\"}");
                }
            } catch (IllegalArgumentException | IndexOutOfBoundsException malformed) {
                answer(exchange, 400, "{\"error\":\"malformed request\"}");
            }
        });
    }

    private String add(Map<String, String> asked, Set<String> terminal) {
        List<Step> steps = new ArrayList<>();
        for (String raw : new Json(asked.getOrDefault("steps", "")).items()) {
            Map<String, String> step = new Json(raw).members();
            String emit = step.get("emit");
            if (emit == null) {
                steps.add(new Step(null, Double.parseDouble(step.getOrDefault("wait_ms", "?"))));
                continue;
            }
            String type = new Json(emit).members().getOrDefault("type", "\"\"");
            if (terminal.contains(type.substring(1, type.length() - 1))) {
                throw new IllegalArgumentException("a terminal event");
            }
            steps.add(new Step(new Json(emit).onOneLine(), 0));
        }
        String outcome = asked.getOrDefault("outcome", "");
        if (!OUTCOMES.contains(outcome)) {
            throw new IllegalArgumentException("an outcome");
        }
        String name = UUID.randomUUID().toString();
        known.put(name, new Script(steps, outcome.substring(1, outcome.length() - 1)));
        return name;
    }

    Script of(HttpExchange exchange) {
        String name = exchange.getRequestHeaders().getFirst("Streamvet-Script");
        return name == null ? null : known.getOrDefault(name, UNKNOWN);
    }

    /** Waits are measured from the start, so that many short ones add up as they are. */
    void perform(Script script, Emit emit) throws IOException, InterruptedException {
        double due = System.nanoTime();
        for (Step step : script.steps()) {
            if (step.emit() != null) {
                emit.event(step.emit());
                continue;
            }
            due = Math.max(due, System.nanoTime()) + step.waitMs() * scale * 1e6;
            long left = (long) (due - System.nanoTime());
            if (left > 0) {
                Thread.sleep(left / 1_000_000, (int) (left % 1_000_000));
            }
        }
        if (script.outcome().equals("hangs")) {
            Thread.sleep(HANGS_MS);
        }
    }

    static void answer(HttpExchange exchange, int status, String json) throws IOException {
        byte[] body = json.getBytes(StandardCharsets.ISO_8859_1);
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        exchange.sendResponseHeaders(status, body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }

    /** As much of JSON as a script needs: the values of an object or an array, each as its own text. */
    static final class Json {
        private final String text;
        private int at;

        Json(String text) {
            this.text = text;
        }

        Map<String, String> members() {
            Map<String, String> found = new LinkedHashMap<>();
            expect('{');
            while (next() != '}') {
                String name = value();
                expect(':');
                found.put(name.substring(1, name.length() - 1), value());
                if (next() == ',') {
                    at++;
                }
            }
            return found;
        }

        List<String> items() {
            List<String> found = new ArrayList<>();
            expect('[');
            while (next() != ']') {
                found.add(value());
                if (next() == ',') {
                    at++;
                }
            }
            return found;
        }

        String onOneLine() {
            StringBuilder made = new StringBuilder();
            boolean quoted = false;
            for (int n = 0; n < text.length(); n++) {
                char one = text.charAt(n);
                if (quoted && one == '\\') {
                    made.append(one).append(text.charAt(++n));
                    continue;
                }
                quoted ^= one == '"';
                if (quoted || " \t\r\n".indexOf(one) < 0) {
                    made.append(one);
                }
            }
            return made.toString();
        }

        private String value() {
            next();
            int start = at, depth = 0;
            do {
                char one = text.charAt(at++);
                if (one == '"') {
                    while ((one = text.charAt(at++)) != '"') {
                        at += one == '\\' ? 1 : 0;
                    }
                } else if (one == '{' || one == '[') {
                    depth++;
                } else if (one == '}' || one == ']') {
                    depth--;
                } else if (depth == 0) {
                    while (at < text.length() && ",:]} \t\r\n".indexOf(text.charAt(at)) < 0) {
                        at++;
                    }
                }
            } while (depth > 0);
            return text.substring(start, at);
        }

        private char next() {
            while (" \t\r\n".indexOf(text.charAt(at)) >= 0) {
                at++;
            }
            return text.charAt(at);
        }

        private void expect(char wanted) {
            if (next() != wanted) {
                throw new IllegalArgumentException("expected " + wanted);
            }
            at++;
        }
    }
}
