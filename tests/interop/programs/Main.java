// Reads a line of JSON at a time, and prints what the generated types make of it; `!` where they refuse it.
import events.Converter;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

public class Main {
    public static void main(String[] arguments) throws Exception {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String text;
            try {
                text = Converter.toJsonString(Converter.fromJsonString(line));
            } catch (Exception refused) {
                text = "!";
            }
            out.println(text);
        }
    }
}
