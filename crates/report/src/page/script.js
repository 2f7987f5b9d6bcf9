// Sorts a table by the column whose title is pressed; without this, tables stand as they are.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  if (body.rows.length < 2) continue;
  const titles = [...table.tHead.rows[0].cells];
  titles.forEach((title, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...title.childNodes);
    title.append(button);
    button.addEventListener("click", () => {
      const descending = title.getAttribute("aria-sort") === "ascending";
      titles.forEach((other) => other.removeAttribute("aria-sort"));
      title.setAttribute("aria-sort", descending ? "descending" : "ascending");
      const numbers = title.classList.contains("number");
      const key = (row) => {
        const text = row.cells[column].textContent.trim();
        if (!numbers) return text;
        const found = text.replace(/−/g, "-").match(/[-+]?[0-9]+(\.[0-9]+)?/);
        // Below every number of that size; and what has no number, after all that have one.
        return found ? Number(found[0]) - (text.startsWith("<") ? 1e-9 : 0) : null;
      };
      const sign = descending ? -1 : 1;
      const compare = (a, b) => {
        if (a === null || b === null) return (a === null) - (b === null);
        return sign * (numbers ? a - b : a.localeCompare(b));
      };
      const rows = [...body.rows].map((row) => [key(row), row]);
      rows.sort((a, b) => compare(a[0], b[0]));
      body.append(...rows.map(([, row]) => row));
    });
  });
}
