// Writes the times of java.time, as Jackson's module for them does, of which Debian has no package.
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.ser.std.ToStringSerializer;
import java.time.OffsetDateTime;

public class Times extends SimpleModule {
    public Times() {
        addSerializer(OffsetDateTime.class, ToStringSerializer.instance);
    }
}
