/** The version of drls, from the one place that states it. */
import project from "../deno.json" with { type: "json" };

/** Semantic version of this build. */
export const VERSION: string = project.version;
