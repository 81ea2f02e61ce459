/** Changes of a hadoop table past every server, as an operator's scripts and other engines make them. */

/** Commits what `edit` makes of the newest metadata document. */
export async function editMetadata(
  tableFolder: string,
  // deno-lint-ignore no-explicit-any -- the document as it is
  edit: (document: any) => void,
): Promise<void> {
  const folder = `${tableFolder}/metadata`;
  const versions: number[] = [];
  for await (const { name } of Deno.readDir(folder)) {
    const version = /^v(\d+)\.metadata\.json$/.exec(name)?.[1];
    if (version !== undefined) versions.push(Number(version));
  }
  const newest = Math.max(...versions);
  // Ids of 64 bits stay text: they are read and written as such.
  const text = (await Deno.readTextFile(`${folder}/v${newest}.metadata.json`))
    .replaceAll(/([:[,]\s*)(-?\d{16,})/g, '$1"#$2"');
  const document = JSON.parse(text);
  edit(document);
  const next = JSON.stringify(document).replaceAll(/"#(-?\d+)"/g, "$1");
  await Deno.writeTextFile(`${folder}/v${newest + 1}.metadata.json`, next);
  await Deno.writeTextFile(`${folder}/version-hint.text`, String(newest + 1));
}

/** Removes the properties whose names begin so. */
export async function removeProperties(tableFolder: string, prefix: string): Promise<void> {
  await editMetadata(tableFolder, ({ properties }) => {
    for (const name of Object.keys(properties)) {
      if (name.startsWith(prefix)) delete properties[name];
    }
  });
}
