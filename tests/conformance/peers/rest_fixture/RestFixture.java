import jakarta.servlet.Filter;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.ServletResponse;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.EnumSet;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.iceberg.jdbc.JdbcCatalog;
import org.apache.iceberg.rest.RESTCatalogAdapter;
import org.apache.iceberg.rest.RESTCatalogServlet;
import org.eclipse.jetty.ee10.servlet.FilterHolder;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;

/**
 * The REST catalog server of the Iceberg project's own tests, over a JDBC catalog in SQLite and a
 * warehouse on local disk. Usage: RestFixture <warehouse folder> <SQLite file>. Prints
 * "Listening on: <url>". The adapter hands out OAuth tokens; the filter here demands them.
 */
public final class RestFixture {
  private RestFixture() {}

  public static void main(String[] args) throws Exception {
    JdbcCatalog catalog = new JdbcCatalog();
    catalog.setConf(new Configuration());
    catalog.initialize(
        "fixture",
        Map.of(
            "uri", "jdbc:sqlite:" + args[1],
            "warehouse", "file://" + args[0],
            "jdbc.schema-version", "V1",
            "clients", "1",
            "io-impl", "org.apache.iceberg.hadoop.HadoopFileIO"));
    Server server = new Server(new InetSocketAddress("127.0.0.1", 0));
    ServletContextHandler context = new ServletContextHandler("/");
    context.addServlet(new ServletHolder(new RESTCatalogServlet(new RESTCatalogAdapter(catalog))), "/*");
    context.addFilter(
        new FilterHolder(new TokenFilter()), "/*", EnumSet.of(jakarta.servlet.DispatcherType.REQUEST));
    server.setHandler(context);
    server.start();
    int port = ((ServerConnector) server.getConnectors()[0]).getLocalPort();
    System.out.println("Listening on: http://127.0.0.1:" + port);
    server.join();
  }

  /** Refuses every call but the token endpoint's without a token that the adapter handed out. */
  private static final class TokenFilter implements Filter {
    @Override
    public void doFilter(ServletRequest request, ServletResponse response, FilterChain chain)
        throws IOException, ServletException {
      HttpServletRequest http = (HttpServletRequest) request;
      String authorization = http.getHeader("Authorization");
      boolean open = http.getRequestURI().endsWith("/v1/oauth/tokens");
      String issued = "Bearer client-credentials-token:sub=peer";
      if (open || issued.equals(authorization)) {
        chain.doFilter(request, response);
        return;
      }
      HttpServletResponse refusal = (HttpServletResponse) response;
      refusal.setStatus(401);
      refusal.setContentType("application/json");
      refusal
          .getWriter()
          .write(
              "{\"error\":{\"message\":\"No token\",\"type\":\"NotAuthorizedException\",\"code\":401}}");
    }
  }
}
