// The API tokens of everybody, for admins; the tokens themselves are kept as hashes and nobody can show them.
import { Access, Pages, Tokens } from "tip-panel";

export default {
  components: { Access, Pages, Tokens },
  props: { page: Object },
  template: `
    <div>
      <Access here="/tokens" title="API tokens" lead="What programs of people come in by. Each person makes their own, under their name in the bar."/>
      <Tokens :rows="page.rows" with_user empty="Nobody has made one." @revoke="$emit('revoke', $event)"/>
      <Pages :number="page.number" :of="page.n_pages" @turn="$emit('turn', $event)"/>
    </div>`,
};
