/**
 * The answers of S3 in XML, as a small tree. The parser is strict, so an answer cut short is an
 * error and never a shorter listing; a document type, and with it every entity trick, is refused.
 */
import { SaxesParser } from "saxes";

/** Deepest nesting; S3's own answers have 5 levels. */
const MAX_DEPTH = 16;
/** Most elements; a full listing page of 1,000 objects has about 10,000. */
const MAX_ELEMENTS = 200_000;

/** An element: attributes and namespaces are of no use here and left out. */
export interface XmlElement {
  /** Without a namespace prefix. */
  readonly name: string;
  /** All text directly inside. */
  readonly text: string;
  readonly children: readonly XmlElement[];
}

interface OpenElement {
  readonly name: string;
  text: string;
  readonly children: XmlElement[];
}

/** Parses a whole document; throws `SyntaxError` where it is not well-formed or breaks a bound. */
export function parseXml(text: string): XmlElement {
  const parser = new SaxesParser();
  const open: OpenElement[] = [{ name: "", text: "", children: [] }];
  let elements = 0;
  parser.on("error", (error) => {
    throw new SyntaxError("Cannot parse XML", { cause: error });
  });
  parser.on("doctype", () => {
    throw new SyntaxError("Cannot parse XML: it declares a document type");
  });
  parser.on("opentag", (tag) => {
    if (++elements > MAX_ELEMENTS || open.length > MAX_DEPTH) {
      throw new SyntaxError("Cannot parse XML: it is too large or too deep");
    }
    open.push({ name: tag.name.slice(tag.name.indexOf(":") + 1), text: "", children: [] });
  });
  const addText = (chunk: string) => {
    const current = open.at(-1);
    if (current !== undefined) current.text += chunk;
  };
  parser.on("text", addText);
  parser.on("cdata", addText);
  parser.on("closetag", () => {
    const closed = open.pop();
    if (closed !== undefined) open.at(-1)?.children.push(closed);
  });
  parser.write(text).close();
  const root = open[0]?.children[0];
  if (root === undefined) throw new SyntaxError("Cannot parse XML: it is empty");
  return root;
}

/** The text of the first child of this name, or null. */
export function childText(element: XmlElement, name: string): string | null {
  return element.children.find((child) => child.name === name)?.text ?? null;
}

/** All children of this name. */
export function childrenOf(element: XmlElement, name: string): readonly XmlElement[] {
  return element.children.filter((child) => child.name === name);
}
